/* SPDX-License-Identifier: MIT */
/*
 * The age oracle: what readers meet under RCU must have been linked when their
 * section began.
 *
 * Owns nothing but its counts.  Judges by sync/rcu_age.c, which says why a
 * legal reader is never objected to, and what is not noticed.  Called on the
 * reader's vCPU, in its section; takes no lock and must not touch the object.
 */
#include <stdio.h>

#include "base/compiler.h"
#include "base/finding.h"
#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/vcpu.h"

static const struct check_info object[NR_CHECK_OBJECTS] = {
	[CHECK_OBJECT_VMA_NODE]		= { "vma_node", "node of the VMA tree" },
	[CHECK_OBJECT_VMA]		= { "vma", "VMA" },
	[CHECK_OBJECT_PAGE_TABLE]	= { "page_table", "page table" },
	[CHECK_OBJECT_INDEX_NODE]	= { "index_node", "node of a page index" },
	[CHECK_OBJECT_ANON_VMA]		= { "anon_vma", "anon_vma" },
};

const char *check_object_name(enum check_object what)
{
	return object[what].slug;
}

static __cold noinline void object_to(const struct vcpu *cpu, enum check_object what,
				      const struct rcu_meeting *met)
{
	char title[120], which[80] = "";

	if (met->how == RCU_MET_FREED)
		snprintf(title, sizeof(title), "AGE: a reader meets a freed %s",
			 object[what].what);
	else
		snprintf(title, sizeof(title), "AGE: a %s is met %s", object[what].what,
			 met->in_section ? "that was unlinked before the read section began" :
					   "under a lock, and is not linked any more");
	if (met->how != RCU_MET_FREED)
		snprintf(which, sizeof(which), ": it was number %llu",
			 (unsigned long long)met->retired);
	finding_report(FINDING_AGE, title, "vCPU %u, %s %llu objects or groups had been unlinked%s",
		       cpu->nr, met->in_section ? "in a read section that began when" :
						  "in no read section, when",
		       (unsigned long long)met->given, which);
}

void check_object_met(enum check_object what, const struct rcu_age *age)
{
	struct vcpu *cpu = this_cpu();
	struct rcu_meeting met = rcu_age_meet(age);
	u64 *count = &cpu->machine->chk->count[cpu->nr].met[what][met.how];

	WRITE_ONCE(*count, *count + 1);
	check_count(cpu, CHECK_AGE, true);
	if (unlikely(met.how >= RCU_MET_LATE))
		object_to(cpu, what, &met);
}

u64 check_ages(struct machine *m, enum check_object what, enum rcu_met how)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; m->chk && i < m->chk->nr_cpus; i++)
		sum += READ_ONCE(m->chk->count[i].met[what][how]);
	return sum;
}
