/* SPDX-License-Identifier: MIT */
/* Keeps state outside the machine. */
static int counter;
unsigned long table[4] = { 1, 2 };
static const char *name = "a pointer that may change";
static __thread int mine;

static int next_id(void)
{
	static unsigned int id;

	return ++id;
}
