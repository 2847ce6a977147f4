/* A match with groups, with the compiler to machine code where there is one. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

int main(void) {
  int error;
  PCRE2_SIZE offset;
  PCRE2_SPTR subject = (PCRE2_SPTR) "on 2026-11-23, \xc3\xa9t\xc3\xa9";
  pcre2_code *code = pcre2_compile((PCRE2_SPTR) "(\\d{4})-(\\d\\d)(?=.*\\p{L}$)", PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error,
                                   &offset, NULL);
  if (!code) return 1;
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
  int groups = pcre2_match(code, subject, PCRE2_ZERO_TERMINATED, 0, 0, match, NULL);
  PCRE2_SIZE *at = pcre2_get_ovector_pointer(match);
  printf("matches %d:", groups - 1);
  for (int i = 0; i < groups; i++) printf(" %.*s", (int)(at[2 * i + 1] - at[2 * i]), (const char *)subject + at[2 * i]);
  printf("\n");
  return 0;
}
