#include <stdlib.h>
#include <string.h>
char *other(const char *s) {
  char *copy = malloc(strlen(s) + 1);
  return copy ? strcpy(copy, s) : NULL;
}
