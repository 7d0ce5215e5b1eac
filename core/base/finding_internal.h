/* SPDX-License-Identifier: MIT */
/* Between finding.c and bug.c. */
#ifndef BASE_FINDING_INTERNAL_H
#define BASE_FINDING_INTERNAL_H

#include "base/finding.h"

/* As finding_vreport_to(); the record kept under @title, NULL when there was no room. */
struct finding *finding_record(struct finding_sink *sink, enum finding_kind kind,
			       const char *title, const char *fmt, va_list args);

/* Writes a finding of this thread's vCPU into @f. */
void finding_fill(struct finding *f, enum finding_kind kind, const char *title, const char *fmt,
		  va_list args);

#endif
