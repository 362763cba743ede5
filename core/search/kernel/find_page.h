/*
** find_page.h: how much of a text is looked at for all the places of one byte.
*/
#ifndef MM_FIND_PAGE_H
#define MM_FIND_PAGE_H

#define MM_FIND_PAGE 4096 /* bytes */

#endif
