/* What a terminal without UTF-8 sees in place of the characters the console draws with. */
#ifndef OPS_UI_ASCII_H
#define OPS_UI_ASCII_H

#include <stdint.h>

/* The ASCII character for a code point of 0x80 and above; '?' where there is none. */
uint32_t ascii_of(uint32_t cp);

#endif
