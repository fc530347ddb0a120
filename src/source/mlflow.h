/*
 * MLflow's REST API, as far as it is the registry: its JSON into drafts, its refusals into sentences. Used by
 * the chain (mlflow.c) and for writing (registry_write.c).
 *
 * Source: MLflow's REST API page, "2.0" paths, which 1.x, 2.x and 3.x all serve; answers of 1.29 and 2.9.
 * `version` is text, times are milliseconds, empty lists are omitted. 3.x adds params and metrics to versions.
 */
#ifndef OPS_SOURCE_MLFLOW_H
#define OPS_SOURCE_MLFLOW_H

#include "source/registry_draft.h"
#include "source/source.h"

#define MLFLOW_API "/api/2.0/mlflow/"

extern const char mlflow_expected[];	/* "an MLflow answer" */

/* The text of a member, "" when it is absent or no text. */
const char *mlflow_text(struct arena *a, const json_t *object, const char *key);
int64_t mlflow_time(const json_t *object, const char *key);
struct labels mlflow_labels(struct arena *a, const json_t *list);

/* One of `registered_models` with its aliases and latest_versions, into the draft. Position of the model,
 * SIZE_MAX when it was not taken. ret_is_known: it was there before. ERR_INVALID with what is wrong with it. */
int mlflow_read_model(struct draft *d, const json_t *json, size_t *ret_at, bool *ret_is_known, struct err *err);
/* One of `model_versions`, into model m; position of the version in it, SIZE_MAX when it is another model's. */
int mlflow_read_version(
    struct draft *d, struct draft_model *m, const json_t *json, size_t *ret_at, struct err *err);
/* `run`, into all versions of m that it made. */
int mlflow_read_run(
    struct draft *d, struct draft_model *m, const char *run, const json_t *json, struct err *err);

int mlflow_refuse(const struct answer *answer, const char *body, size_t len, struct err *err);

#endif
