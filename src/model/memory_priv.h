/* Taking a memory and putting it back, for src/model only. */
#ifndef OPS_MODEL_MEMORY_PRIV_H
#define OPS_MODEL_MEMORY_PRIV_H

#include "model/memory.h"
#include "model/model_priv.h"

/* memory_models.c */
void memory_take_models(const struct model *m, struct model_memory_set *set, struct arena *a);
void memory_put_models(struct model *m, const struct model_memory_set *set);

/* timeline_memory.c */
void memory_take_timeline(const struct model *m, struct model_memory_set *set, struct arena *a);
void memory_put_timeline(struct model *m, const struct model_memory_set *set);

#endif
