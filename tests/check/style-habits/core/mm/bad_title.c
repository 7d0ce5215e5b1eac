/* SPDX-License-Identifier: MIT */
/* Owns nothing. */
void bad(void)
{
	finding_report_to(&machine->sink, FINDING_REFS,
			  "pages left", "%d", 1);
	mm_panic("no way on", "%d", 2);
}
