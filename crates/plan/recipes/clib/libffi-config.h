/* What libffi's configure would find out about clang; its archive has no configure. */
#if defined __APPLE__ && defined __aarch64__
/* A page is not written and run at once: trampolines are mapped from the program's own code, again and again. */
#define FFI_EXEC_TRAMPOLINE_TABLE 1
#else
#define FFI_EXEC_TRAMPOLINE_TABLE 0
#endif
#ifdef __linux__
#define FFI_EXEC_STATIC_TRAMP 1
#endif
#ifdef __APPLE__
#define SYMBOL_UNDERSCORE 1
#else
#define EH_FRAME_FLAGS "a"
#endif
#if defined __ELF__ && defined __x86_64__
/* A type of sections that no other CPU's ABI has. */
#define HAVE_AS_X86_64_UNWIND_SECTION_TYPE 1
#endif
#if defined __linux__ || defined __APPLE__
#define HAVE_ALLOCA_H 1
#endif
#ifndef _WIN32
#if !FFI_EXEC_TRAMPOLINE_TABLE
#define FFI_MMAP_EXEC_WRIT 1
#endif
#define HAVE_GETPAGESIZE 1
#define HAVE_HIDDEN_VISIBILITY_ATTRIBUTE 1
#define HAVE_MKOSTEMP 1
#define HAVE_MMAP 1
#endif
#define HAVE_AS_CFI_PSEUDO_OP 1
#define HAVE_AS_X86_PCREL 1
#define HAVE_MEMCPY 1
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_LONG_DOUBLE __SIZEOF_LONG_DOUBLE__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define STDC_HEADERS 1
#if __SIZEOF_LONG_DOUBLE__ != __SIZEOF_DOUBLE__
#define HAVE_LONG_DOUBLE 1
#endif
#ifdef _WIN32
/* PE knows no visibility. */
#ifdef LIBFFI_ASM
#define FFI_HIDDEN(name)
#else
#define FFI_HIDDEN
#endif
#elif !defined LIBFFI_ASM
#define FFI_HIDDEN __attribute__ ((visibility ("hidden")))
#elif defined __APPLE__
#define FFI_HIDDEN(name) .private_extern name
#else
#define FFI_HIDDEN(name) .hidden name
#endif
