/* SPDX-License-Identifier: MIT */
#include "base/types.h"
