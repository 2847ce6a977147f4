#include <stdio.h>
#include <unwind.h>
static int frames;
static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *unused) {
  (void)unused;
  if (_Unwind_GetIP(context)) frames++;
  return _URC_NO_REASON;
}
static int three(void) { _Unwind_Backtrace(step, 0); return frames; }
static int two(void) { return three() + 1; }
int main(void) { puts(two() > 3 ? "frames ok" : "too few frames"); return 0; }
