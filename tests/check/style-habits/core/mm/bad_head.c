/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
int f(void);
