/* SPDX-License-Identifier: MIT */
/* Constants, types, prototypes and locals. */
struct machine;
typedef int number;
extern const int elsewhere;
static const int primes[] = { 2, 3, 5 };
static const char *const names[] = { "a", "b" };
static int helper(int x);
static unsigned long __helper(void);

struct pair {
	int a, b;
};

static int helper(int x)
{
	static const int small[] = { 1, 2 };
	int sum = 0;

	return sum + small[x];
}
