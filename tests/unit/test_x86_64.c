/* SPDX-License-Identifier: MIT */
/* room: mm_arch mm_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/x86_64.h"

static void test_geometry(void **state)
{
	const struct arch *a = &arch_x86_64;
	unsigned long va = 0x7f1234567000UL;

	assert_int_equal(a->page_shift + a->levels * a->index_bits, a->va_bits);
	assert_int_equal(arch_index(a, 0, va), (va >> 12) & 511);
	assert_int_equal(arch_index(a, 3, va), va >> 39);
	assert_true(arch_level_size(a, 1) == PMD_SIZE);
	assert_true(arch_level_size(a, 3) == 1UL << 39);
	assert_true(a->task_size == 0x7ffffffff000UL);
	assert_true(a->elf_et_dyn_base == 0x555555554aaaUL);
}

static void test_canonical(void **state)
{
	const struct arch *a = &arch_x86_64;

	assert_true(arch_canonical(a, 0));
	assert_true(arch_canonical(a, 0x7fffffffffffUL));
	assert_false(arch_canonical(a, 0x800000000000UL));
	assert_false(arch_canonical(a, 0xffff7fffffffffffUL));
	assert_true(arch_canonical(a, 0xffff800000000000UL));
	assert_true(arch_canonical(a, ~0UL));
}

static void test_entries(void **state)
{
	u64 pte = x86_make_entry(0x12345, _PAGE_PRESENT | _PAGE_RW | _PAGE_NX);

	assert_int_equal(x86_entry_pfn(pte), 0x12345);
	assert_true(x86_entry_present(pte));
	assert_true(x86_entry_leaf(pte, 0));
	assert_false(x86_entry_leaf(pte, 1));
	assert_true(x86_entry_leaf(pte | _PAGE_PSE, 1));
	assert_true((pte & X86_PTE_FLAGS_MASK) == (_PAGE_PRESENT | _PAGE_RW | _PAGE_NX));
}

static void test_lookup(void **state)
{
	assert_ptr_equal(arch_find("x86_64"), &arch_x86_64);
	assert_null(arch_find("pdp11"));
	assert_ptr_equal(arch_get(0), &arch_x86_64);
	assert_null(arch_get(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
