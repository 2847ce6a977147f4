/* nm for ELF objects, programs, shared objects and archives of any CPU. Output as GNU nm's, in its BSD and POSIX formats. */
#include "elf.h"

static struct { int external, undefined, defined, unsorted, numeric, posix, dynamic, file_names, reverse, just_name; } opt;
static int status;

struct row { uint64_t value, size; const char *name; char type; int global; };

static char type_letter(const struct elf *e, struct symbol s) {
  int bind = s.info >> 4, kind = s.info & 15;
  char c;
  if (s.shndx == SHN_UNDEF) return bind == 2 ? (kind == 1 ? 'v' : 'w') : 'U';
  if (bind == 2) return kind == 1 ? 'V' : 'W';
  if (bind == 10) return 'u';
  if (kind == 10) return 'i';
  if (s.shndx == SHN_COMMON) return 'C';
  if (s.shndx == SHN_ABS) c = 'a';
  else if (s.shndx >= e->shnum) return '?';
  else {
    struct section in = section(e, s.shndx);
    if (!(in.flags & SHF_ALLOC)) return starts(string(e, e->shstrndx, in.name), ".debug") ? 'N' : 'n';
    c = in.flags & SHF_EXECINSTR ? 't' : in.type == SHT_NOBITS ? 'b' : in.flags & SHF_WRITE ? 'd' : 'r';
  }
  return bind == 0 ? c : (char)(c - 'a' + 'A');
}

static int wanted(struct symbol s, const char *name, char type) {
  int kind = s.info & 15;
  if (!*name || kind == 3 || kind == 4) return 0; /* section and file symbols are for debuggers */
  if (opt.external && s.info >> 4 == 0 && s.shndx != SHN_UNDEF) return 0;
  if (opt.undefined && s.shndx != SHN_UNDEF) return 0;
  return !(opt.defined && s.shndx == SHN_UNDEF) && type != '\0';
}

static int is_undefined(const struct row *r) { return r->type == 'U' || r->type == 'w' || r->type == 'v'; }

static int before(const struct row *a, const struct row *b) {
  if (opt.numeric && is_undefined(a) != is_undefined(b)) return is_undefined(a);
  if (opt.numeric && a->value != b->value) return a->value < b->value;
  size_t i = 0;
  while (a->name[i] && a->name[i] == b->name[i]) i++;
  return (unsigned char)a->name[i] < (unsigned char)b->name[i];
}

/* Merge sort: stable and without a worst case. */
static void sort(struct row *rows, struct row *spare, size_t n) {
  if (n < 2) return;
  size_t half = n / 2, i = 0, j = half, k = 0;
  sort(rows, spare, half);
  sort(rows + half, spare, n - half);
  while (i < half && j < n) spare[k++] = before(&rows[j], &rows[i]) ? rows[j++] : rows[i++];
  while (i < half) spare[k++] = rows[i++];
  while (j < n) spare[k++] = rows[j++];
  memcpy(rows, spare, n * sizeof *rows);
}

static void put_short_hex(uint64_t v) {
  int digits = 1;
  while (digits < 16 && v >> (4 * digits)) digits++;
  put_hex(v, digits);
}

static void print_row(const struct elf *e, const struct row *r, const char *file, struct member *m) {
  int digits = e->wide ? 16 : 8, undefined = is_undefined(r);
  if (opt.file_names) {
    put(file);
    if (m) { put(opt.posix ? "[" : ":"); put_n(m->name, m->name_len); if (opt.posix) put("]"); }
    put(opt.posix ? ": " : ":");
  }
  if (opt.just_name) { put(r->name); put("\n"); return; }
  if (opt.posix) {
    put(r->name); put(" "); put_n(&r->type, 1); put(" ");
    if (!undefined) { put_short_hex(r->value); put(" "); if (r->size) put_short_hex(r->size); }
    put("\n");
    return;
  }
  if (undefined) for (int i = 0; i < digits; i++) put(" ");
  else put_hex(r->value, digits);
  put(" "); put_n(&r->type, 1); put(" "); put(r->name); put("\n");
}

static void list(const struct elf *e, const char *file, struct member *m) {
  for (uint32_t i = 0; i < e->shnum; i++) {
    struct section table = section(e, i);
    if (table.type != (opt.dynamic ? SHT_DYNSYM : SHT_SYMTAB) || !inside(e, table)) continue;
    size_t n = table.size / symbol_size(e), kept = 0;
    struct row *rows = take(n * sizeof *rows), *spare = take(n * sizeof *rows);
    if (!rows || !spare) { complain("nm", file, "out of memory"); status = 1; return; }
    for (size_t k = 1; k < n; k++) {
      struct symbol s = symbol(e, table.offset + k * symbol_size(e));
      const char *name = string(e, table.link, s.name);
      char type = type_letter(e, s);
      if (wanted(s, name, type)) rows[kept++] = (struct row){ type == 'C' ? s.size : s.value, s.size, name, type, s.info >> 4 };
    }
    if (!opt.unsorted) sort(rows, spare, kept);
    for (size_t k = 0; k < kept; k++) print_row(e, &rows[opt.reverse ? kept - 1 - k : k], file, m);
    return;
  }
  complain("nm", file, "no symbols");
}

static void list_archive(struct bytes b, const char *file) {
  struct bytes names = { NULL, 0 };
  struct member m;
  struct elf e;
  size_t pos = 8;
  int more;
  while ((more = next_member(b, &pos, &names, &m)) > 0) {
    if (is_special(m)) continue;
    if (!opt.file_names) { if (opt.posix) { put(file); put("["); } else put("\n"); put_n(m.name, m.name_len); put(opt.posix ? "]:\n" : ":\n"); }
    if (elf_open(&e, m.data)) list(&e, file, &m);
    else complain("nm", file, "a member is not an ELF object");
  }
  if (more < 0) { complain("nm", file, "damaged archive"); status = 1; }
}

static void list_file(const char *file, int several) {
  struct bytes b = read_file(file);
  struct elf e;
  if (!b.at) { complain("nm", file, "cannot be read"); status = 1; return; }
  if (is_archive(b)) { list_archive(b, file); return; }
  if (!elf_open(&e, b)) { complain("nm", file, "file format not recognized"); status = 1; return; }
  if (several && !opt.file_names) { put("\n"); put(file); put(":\n"); }
  list(&e, file, NULL);
}

static void short_option(const char *arg, char c) {
  switch (c) {
    case 'g': opt.external = 1; break;
    case 'u': opt.undefined = 1; break;
    case 'U': opt.defined = 1; break;
    case 'p': opt.unsorted = 1; break;
    case 'n': case 'v': opt.numeric = 1; break;
    case 'r': opt.reverse = 1; break;
    case 'P': opt.posix = 1; break;
    case 'B': opt.posix = 0; break;
    case 'D': opt.dynamic = 1; break;
    case 'A': case 'o': opt.file_names = 1; break;
    case 'j': opt.just_name = 1; break;
    case 'C': case 'a': case 's': case 'S': break; /* C names need no decoding; the rest only adds detail */
    default: complain("nm", arg, "unknown option"); status = 1;
  }
}

static void long_option(const char *arg) {
  if (same(arg, "--extern-only")) opt.external = 1;
  else if (same(arg, "--undefined-only")) opt.undefined = 1;
  else if (same(arg, "--defined-only")) opt.defined = 1;
  else if (same(arg, "--no-sort")) opt.unsorted = 1;
  else if (same(arg, "--numeric-sort")) opt.numeric = 1;
  else if (same(arg, "--portability") || same(arg, "--format=posix")) opt.posix = 1;
  else if (same(arg, "--format=bsd")) opt.posix = 0;
  else if (same(arg, "--dynamic")) opt.dynamic = 1;
  else if (same(arg, "--print-file-name")) opt.file_names = 1;
  else if (!same(arg, "--demangle") && !same(arg, "--no-demangle")) { complain("nm", arg, "unknown option"); status = 1; }
}

static int run(int argc, char **argv) {
  int files = 0;
  for (int i = 1; i < argc; i++) {
    if (same(argv[i], "--version") || same(argv[i], "-V")) { put("nm (for ELF; part of Bactrian's C toolchain; options as GNU nm)\n"); flush(); return 0; }
    if (starts(argv[i], "--")) long_option(argv[i]);
    else if (argv[i][0] == '-' && argv[i][1]) for (const char *c = argv[i] + 1; *c; c++) short_option(argv[i], *c);
    else files++;
  }
  if (status) return status;
  if (!files) list_file("a.out", 0);
  for (int i = 1; i < argc; i++) if (argv[i][0] != '-') list_file(argv[i], files > 1);
  flush();
  return status || out_failed;
}
