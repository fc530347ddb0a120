/* What writer and reader of packed files agree on. */
#ifndef OPS_RECORD_PACK_PRIV_H
#define OPS_RECORD_PACK_PRIV_H

#define PACK_MANIFEST "manifest.json"
enum { PACK_FORMAT = 1, PACK_MANIFEST_MAX = 16 << 20, PACK_MEMBERS_MAX = 100000 };

#endif
