/* What libffi's configure would find out about clang on macOS and FreeBSD; its archive has no configure. */
#if defined __APPLE__ && defined __aarch64__
/* A page is not written and run at once: trampolines are mapped from the program's own code, again and again. */
#define FFI_EXEC_TRAMPOLINE_TABLE 1
#else
#define FFI_EXEC_TRAMPOLINE_TABLE 0
#define FFI_MMAP_EXEC_WRIT 1
#endif
#ifdef __APPLE__
#define HAVE_ALLOCA_H 1
#define SYMBOL_UNDERSCORE 1
#else
#define EH_FRAME_FLAGS "a"
#define HAVE_AS_X86_64_UNWIND_SECTION_TYPE 1
#endif
#define HAVE_AS_CFI_PSEUDO_OP 1
#define HAVE_AS_X86_PCREL 1
#define HAVE_GETPAGESIZE 1
#define HAVE_HIDDEN_VISIBILITY_ATTRIBUTE 1
#define HAVE_MEMCPY 1
#define HAVE_MKOSTEMP 1
#define HAVE_MMAP 1
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_LONG_DOUBLE __SIZEOF_LONG_DOUBLE__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define STDC_HEADERS 1
#if __SIZEOF_LONG_DOUBLE__ != __SIZEOF_DOUBLE__
#define HAVE_LONG_DOUBLE 1
#endif
#ifndef LIBFFI_ASM
#define FFI_HIDDEN __attribute__ ((visibility ("hidden")))
#elif defined __APPLE__
#define FFI_HIDDEN(name) .private_extern name
#else
#define FFI_HIDDEN(name) .hidden name
#endif
