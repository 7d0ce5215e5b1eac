/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAIL_RIG_H
#define TESTS_FAIL_RIG_H

/*
 * One address space with a bit of everything, and a picture of it: what a
 * sweep of allocation failures compares before, after, and with a call to
 * which nothing was refused.
 *
 * A picture says what the program would find (the layout, rights, and the
 * first word of every page), not how: which entries and tables are there may
 * differ after a failure. It is taken without an access, so that taking it
 * changes nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "mm_fixture.h"
#include "mm/vma_tree.h"
#include "ops/procfs.h"

/* Where the address space meets a new PMD table, and a new PUD table. */
#define FAR_PMD		(AT - (1UL << 30))
#define FAR_PUD		(AT - (1UL << 39))
#define BIG		(AT + (4UL << 20))	/* where many pages are wanted */
#define BIG_PAGES	700u
#define HEAP		0x20000000UL

#define NEAR_PAGES	64u
#define FAR_PAGES	12u
#define HEAP_PAGES	12u
#define PLACE_PAGES	8u	/* what a call that chooses its place may get */
#define CELLS		(NEAR_PAGES + 2 * FAR_PAGES + HEAP_PAGES + PLACE_PAGES)

#define PAST_END	0xeeeeeeeeeeeeeeeeULL	/* SIGBUS instead of a word */
#define BAD_ENTRY	0xdddddddddddddddfULL

struct cell {
	bool		mapped;
	vm_flags_t	flags;
	const void	*file;
	unsigned long	pgoff;
	u64		word;
};

struct picture {
	char		*maps;
	struct cell	cell[CELLS];
	unsigned long	total_vm, data_vm, exec_vm, stack_vm, locked_vm;
	int		map_count;
	unsigned long	brk;
	u64		file_size;
};

struct rig {
	struct mmfix	f;
	struct file	*file;
	struct mm_struct *child;	/* shares the private pages; NULL: none */
	struct task_struct *child_task;
	/* What the call under test made. */
	struct mm_struct *made_mm;
	struct task_struct *made_task;
	unsigned long	place;		/* address chosen by the call, 0 = none */
};

static unsigned int rig_findings;

static inline void rig_on_finding(struct finding_sink *sink, const struct finding *f)
{
	rig_findings++;
	mmfix_print(sink, f);
}

/* ---- the address space ---- */

static inline void rig_fill(struct rig *r)
{
	struct file *file = r->file;
	unsigned long i;

	map_at(PG(0), 8, RW, ANON, NULL, 0);
	map_at(PG(8), 4, RW, ANON, NULL, 0);
	map_at(PG(12), 4, RW, MAP_PRIVATE, file, 0);
	map_at(PG(16), 4, RW, MAP_SHARED, file, 4 * PAGE_SIZE);
	map_at(PG(20), 4, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
	/* 24..31 is a hole; 34 and 35 lie between two that would merge. */
	map_at(PG(32), 2, RW, ANON, NULL, 0);
	map_at(PG(36), 2, RW, ANON, NULL, 0);
	/* From 44 on: as mapped before, never touched. */
	map_at(PG(44), 4, RW | PROT_EXEC, ANON, NULL, 0);
	/* Nothing is promised for what cannot be written. */
	map_at(PG(48), 2, PROT_READ, MAP_PRIVATE, file, 0);
	map_at(FAR_PMD, 4, RW, ANON, NULL, 0);
	map_at(FAR_PUD, 4, RW, ANON, NULL, 0);
	for (i = 0; i < 4; i++)
		poke(PG(i), 0x100 + i);
	peek(PG(4));
	poke(PG(8), 0x108);
	assert_int_equal(sys_mprotect(PG(8), 4 * PAGE_SIZE, PROT_READ), 0);
	peek(PG(12));
	poke(PG(13), 0x10d);
	poke(PG(16), 0x110);
	peek(PG(17));
	poke(PG(20), 0x114);
	poke(PG(32), 0x120);
	poke(PG(37), 0x125);
	assert_int_equal(sys_brk(HEAP + 4 * PAGE_SIZE), HEAP + 4 * PAGE_SIZE);
	poke(HEAP + PAGE_SIZE, 0x201);
}

static inline void rig_fill_big(void)
{
	unsigned long i;

	map_at(BIG, BIG_PAGES, RW, ANON, NULL, 0);
	for (i = 0; i < BIG_PAGES; i++)
		poke(BIG + i * PAGE_SIZE, i);
}

static inline void rig_open(struct rig *r, unsigned int frame_bytes, bool forked, bool big)
{
	u64 word = 0xf1;
	unsigned int i;

	memset(r, 0, sizeof(*r));
	rig_findings = 0;
	r->f = mmfix_open_with(frame_bytes, 2048);
	r->f.m->sink.on_finding = rig_on_finding;
	assert_int_equal(check_attach(r->f.m, CHECK_ALL), 0);
	r->f.mm->start_brk = r->f.mm->brk = HEAP;
	r->file = file_create(FILE_REGULAR, 12 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	assert_false(IS_ERR(r->file));
	/* Page 3 is a hole. */
	for (i = 0; i < 6; i += i == 2 ? 2 : 1, word++)
		assert_int_equal(file_write(r->file, &word, 8, i * PAGE_SIZE), 8);
	rig_fill(r);
	if (big)
		rig_fill_big();
	if (!forked)
		return;
	r->child = dup_mm(r->f.mm);
	assert_false(IS_ERR(r->child));
	r->child_task = mmfix_task(&r->f, 2, r->child);
}

static inline void rig_quiet(struct rig *r)
{
	assert_int_equal(check_quiet(r->f.m), 0);
}

static inline void rig_end_made(struct rig *r)
{
	if (r->made_task)
		mmfix_task_end(&r->f, r->made_task);
	else if (r->made_mm)
		mmput(r->made_mm);
	r->made_task = NULL;
	r->made_mm = NULL;
}

static inline void rig_close(struct rig *r)
{
	struct frame_count fc;

	rig_end_made(r);
	if (r->child_task)
		mmfix_task_end(&r->f, r->child_task);
	rig_quiet(r);
	phys_count_frames(r->f.m, &fc);
	assert_int_equal(fc.broken, 0);
	assert_int_equal(fc.reserved + fc.buddy + fc.pcp + fc.allocated, fc.total);
	kern_switch_to(NULL);
	task_free(r->f.task);
	kern_release_mms(r->f.m);
	fput(r->file);
	assert_int_equal(vm_memory_committed(r->f.m), 0);
	assert_int_equal(mmfix_free(r->f.m), r->f.free_at_start);
	check_detach(r->f.m);
	kern_shutdown(r->f.m);
	assert_int_equal(rig_findings, 0);
}

/* ---- its picture ---- */

static inline unsigned long cell_address(const struct rig *r, unsigned int i)
{
	if (i < NEAR_PAGES)
		return PG(i);
	i -= NEAR_PAGES;
	if (i < FAR_PAGES)
		return FAR_PMD + i * PAGE_SIZE;
	i -= FAR_PAGES;
	if (i < FAR_PAGES)
		return FAR_PUD + i * PAGE_SIZE;
	i -= FAR_PAGES;
	if (i < HEAP_PAGES)
		return HEAP + i * PAGE_SIZE;
	i -= HEAP_PAGES;
	return r->place ? r->place + i * PAGE_SIZE : 0;
}

static inline u64 page_word(struct page *page)
{
	u64 word;

	memcpy(&word, page_address(page), sizeof(word));
	return word;
}

/* What the file gives where no entry is. */
static inline u64 file_word(struct file *file, unsigned long index)
{
	struct page *page;
	u64 word;

	if (index >= (i_size_read(file->f_inode) + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return PAST_END;
	page = filemap_get_page(file->f_mapping, index);
	if (!page)
		return 0;
	word = page_word(page);
	put_page(page);
	return word;
}

static inline struct cell cell_look(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	struct cell c;
	pte_t pte;

	memset(&c, 0, sizeof(c));
	vma = addr ? vma_at(mm, addr) : NULL;
	if (!vma)
		return c;
	c.mapped = true;
	c.flags = vma->vm_flags;
	c.file = vma->vm_file;
	c.pgoff = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	pte = pte_of(mm, addr);
	if (pte_present(pte))
		c.word = page_word(pfn_to_page(pte_pfn(pte)));
	else if (!pte_none(pte))
		c.word = BAD_ENTRY;
	else if (vma->vm_file)
		c.word = file_word(vma->vm_file, c.pgoff);
	return c;
}

/* As /proc/PID/maps, without inode numbers: objects made in vain use some up. */
static inline char *maps_text(struct mm_struct *mm)
{
	char *text = NULL, *at;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(proc_maps(mm, NULL, out), 0);
	fclose(out);
	for (at = text; (at = strstr(at, " 00:00 ")); at++)
		if (at[7] != '0')
			at[7] = '#';
	return text;
}

static inline struct picture *picture_take(const struct rig *r, struct mm_struct *mm)
{
	struct picture *p = calloc(1, sizeof(*p));
	unsigned int i;

	assert_non_null(p);
	p->maps = maps_text(mm);
	for (i = 0; i < CELLS; i++)
		p->cell[i] = cell_look(mm, cell_address(r, i));
	p->total_vm = mm->total_vm;
	p->data_vm = mm->data_vm;
	p->exec_vm = mm->exec_vm;
	p->stack_vm = mm->stack_vm;
	p->locked_vm = mm->locked_vm;
	p->map_count = mm->map_count;
	p->brk = mm->brk;
	p->file_size = i_size_read(r->file->f_inode);
	return p;
}

static inline void picture_free(struct picture *p)
{
	free(p->maps);
	free(p);
}

/* Two runs' files have different addresses; that there is one must agree. */
static inline bool cell_same(const struct cell *a, const struct cell *b)
{
	return a->mapped == b->mapped && a->flags == b->flags && !a->file == !b->file &&
	       a->pgoff == b->pgoff && a->word == b->word;
}

/* First cell that differs, CELLS: none. */
static inline unsigned int picture_differs(const struct picture *a, const struct picture *b)
{
	unsigned int i;

	for (i = 0; i < CELLS && cell_same(&a->cell[i], &b->cell[i]); i++)
		;
	return i;
}

static inline bool picture_same(const struct picture *a, const struct picture *b)
{
	return picture_differs(a, b) == CELLS && !strcmp(a->maps, b->maps) &&
	       a->total_vm == b->total_vm && a->data_vm == b->data_vm &&
	       a->exec_vm == b->exec_vm && a->stack_vm == b->stack_vm &&
	       a->locked_vm == b->locked_vm && a->map_count == b->map_count &&
	       a->brk == b->brk && a->file_size == b->file_size;
}

static inline void picture_complain(const struct rig *r, const char *what,
				    const struct picture *a, const struct picture *b)
{
	unsigned int i = picture_differs(a, b);

	print_message("%s: expected\n%sfound\n%s", what, a->maps, b->maps);
	if (i < CELLS)
		print_message("at 0x%lx: mapped %d %d, flags 0x%llx 0x%llx, "
			      "pgoff %lu %lu, word 0x%llx 0x%llx\n",
			      cell_address(r, i), a->cell[i].mapped, b->cell[i].mapped,
			      (unsigned long long)a->cell[i].flags,
			      (unsigned long long)b->cell[i].flags,
			      a->cell[i].pgoff, b->cell[i].pgoff,
			      (unsigned long long)a->cell[i].word,
			      (unsigned long long)b->cell[i].word);
	print_message("total_vm %lu %lu, data_vm %lu %lu, map_count %d %d, "
		      "brk 0x%lx 0x%lx, size %llu %llu\n",
		      a->total_vm, b->total_vm, a->data_vm, b->data_vm, a->map_count,
		      b->map_count, a->brk, b->brk, (unsigned long long)a->file_size,
		      (unsigned long long)b->file_size);
	fail_msg("%s", what);
}

/*
 * The program's own view, through its TLB: what the picture says is mapped can
 * be read and holds its word, and nothing else can be reached or written.
 */
static inline void cell_visit(unsigned long addr, const struct cell *c)
{
	u64 word = 0;
	int ret = user_load(addr, 8, &word);

	if (!c->mapped || !(c->flags & (VM_READ | VM_WRITE | VM_EXEC))) {
		assert_int_equal(ret, -EFAULT);
		assert_int_equal(current_fault()->signo, MM_SIGSEGV);
		return;
	}
	if (c->word == PAST_END) {
		assert_int_equal(ret, -EFAULT);
		assert_int_equal(current_fault()->signo, MM_SIGBUS);
		return;
	}
	assert_int_equal(ret, 0);
	assert_true(word == c->word);
	if (!(c->flags & VM_WRITE))
		assert_int_equal(user_store(addr, 8, word), -EFAULT);
}

static inline void picture_visit(struct rig *r, struct task_struct *task, const struct picture *p)
{
	unsigned int i;

	kern_switch_to(task);
	for (i = 0; i < CELLS; i++)
		if (cell_address(r, i))
			cell_visit(cell_address(r, i), &p->cell[i]);
	kern_switch_to(r->f.task);
}

#endif
