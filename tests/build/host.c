/* host.c - the smallest C program that links inlay: errors come back, a model opens, it has a plan.
 */
#include <stdio.h>
#include <string.h>

#include "inlay/inlay.h"

static inlay_status open_path(const char* path, inlay_model** model, inlay_error* error) {
  inlay_source source;
  inlay_source_path(&source, path, strlen(path));
  return inlay_model_open(&source, NULL, model, error);
}

int main(int count, char** arguments) {
  inlay_model* model = NULL;
  inlay_plan plan;
  inlay_error error;
  if (count != 2) return 2;
  if (inlay_abi_version() != INLAY_ABI_VERSION || inlay_isa_count() == 0) return 1;

  memset(&error, 0, sizeof error);
  if (open_path("no such file", &model, &error) != INLAY_ERROR_IO || error.text[0] == 0) return 1;
  if (open_path(arguments[1], &model, &error) != INLAY_OK) {
    printf("%s\n", error.text);
    return 1;
  }
  memset(&plan, 0, sizeof plan);
  plan.struct_size = sizeof plan;
  if (inlay_model_plan(model, NULL, &plan, &error) != INLAY_OK || plan.total == 0) return 1;
  printf("inlay %s: %llu bytes\n", inlay_version(), (unsigned long long)plan.total);
  inlay_model_release(model);
  return 0;
}
