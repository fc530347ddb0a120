/* --demo: the bundled lab as a child that ends with us, however we end. */
#ifndef OPS_DEMO_H
#define OPS_DEMO_H

#include <stdbool.h>

#include "base/err.h"

struct demo;

/* Starts the lab in a folder of its own. For the console (is_interactive) it waits until its servers answer, and a bad model goes out after about a
 * minute; else until the first rates are measured. ret_config is the caller's. */
int demo_start(struct demo **ret_demo, char **ret_config, bool is_interactive, struct err *err);
/* Ends the lab and waits for it; NULL is fine. */
void demo_stop(struct demo *d);

#endif
