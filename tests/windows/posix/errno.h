// What no call of Windows gives: see core/common/system.h.
#include_next <errno.h>

#ifndef EDQUOT
#define EDQUOT 10069
#endif
