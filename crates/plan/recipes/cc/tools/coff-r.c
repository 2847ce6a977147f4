/* Partial linker for COFF objects of 64-bit x86: `coff-r -o OUT FILE...`, where lld has none.

   All sections of all objects are kept side by side, no address is computed: only the numbers by which sections and symbols
   are known change, and references to what another object defines go there. Of archives, those members are taken that
   define what is missing; members of import libraries are left for the final link. Sections that hold numbers of symbols
   (.llvm_addrsig) are dropped, linker directives become one section, for lld-link reads one alone. */
#include "rt.h"

enum { HEADER = 20, SECTION = 40, SYMBOL = 18, RELOC = 10 };
enum { EXTERNAL = 2, STATIC = 3, SOURCE_FILE = 103, WEAK = 105, ASSOCIATIVE = 5, MANY_RELOCS = 0x01000000, NO_DATA = 0x80 };
enum { DIRECTIVES = 0x00100A00 }; /* aligned to 1, information, removed when linked */

struct object {
  const char *path;
  const uint8_t *at;
  size_t len;
  uint32_t sections, symbols;
  const uint8_t *table, *strings; /* symbols, their long names */
  size_t strings_len;
  uint16_t *section_to; /* new numbers from 1; 0: dropped */
  uint32_t *symbol_to;  /* new numbers; NONE: dropped */
  struct object *next;
};
#define NONE 0xffffffffu

/* A name that objects share. */
struct name {
  const char *text;
  int defined, wanted;
  uint32_t to; /* its symbol's new number */
  struct name *next;
};

static struct object *objects, **last_object = &objects;
static struct name *names[1 << 16];
static const char *failed_path;

static uint32_t u16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }
static void set16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static void set32(uint8_t *p, uint32_t v) { set16(p, v), set16(p + 2, v >> 16); }

/* The short programs of this kind never free; small pieces come from big ones. */
static void *piece(size_t n) {
  static uint8_t *pool;
  static size_t left;
  n = (n + 15) & ~(size_t)15;
  if (n > left) {
    left = n > (1 << 20) ? n : 1 << 20;
    pool = take(left);
    if (!pool) sys(SYS_exit, 3, 0, 0, 0, 0, 0);
  }
  void *p = pool;
  pool += n, left -= n;
  return p;
}

static const char *text_of(const uint8_t *start, size_t len) {
  size_t n = 0;
  while (n < len && start[n]) n++;
  char *text = piece(n + 1);
  memcpy(text, start, n);
  return text;
}

static struct name *name_of(const char *text) {
  uint32_t hash = 5381;
  for (const char *c = text; *c; c++) hash = hash * 33 ^ (uint8_t)*c;
  struct name **slot = &names[(hash ^ hash >> 16) & 0xffff];
  while (*slot && !same((*slot)->text, text)) slot = &(*slot)->next;
  if (!*slot) {
    *slot = piece(sizeof **slot);
    **slot = (struct name){ text, 0, 0, NONE, NULL };
  }
  return *slot;
}

static const char *symbol_name(const struct object *o, const uint8_t *symbol) {
  if (u32(symbol)) return text_of(symbol, 8);
  uint32_t offset = u32(symbol + 4);
  return offset < o->strings_len ? text_of(o->strings + offset, o->strings_len - offset) : "";
}

/* The name in the header of a section, where long ones are `/OFFSET`. */
static const char *section_name(const struct object *o, const uint8_t *header) {
  if (header[0] != '/') return text_of(header, 8);
  uint32_t offset = 0;
  for (int i = 1; i < 8 && header[i] >= '0' && header[i] <= '9'; i++) offset = offset * 10 + header[i] - '0';
  return offset < o->strings_len ? text_of(o->strings + offset, o->strings_len - offset) : "";
}

static const uint8_t *section(const struct object *o, uint32_t number) { return o->at + HEADER + number * SECTION; }

/* The relocations of a section; *count may be in the first of them. */
static const uint8_t *relocations(const struct object *o, const uint8_t *header, uint32_t *count) {
  const uint8_t *relocs = o->at + u32(header + 24);
  *count = u16(header + 32);
  if (u32(header + 36) & MANY_RELOCS && *count == 0xffff) {
    *count = u32(relocs) - 1;
    relocs += RELOC;
  }
  return relocs;
}

/* 1: an object; 0: not one that is linked here (a member of an import library); -1: broken. */
static int parse(struct object *o, const char *path, const uint8_t *at, size_t len) {
  *o = (struct object){ .path = path, .at = at, .len = len };
  if (len >= 4 && u16(at) == 0 && u16(at + 2) == 0xffff) return 0;
  if (len < HEADER || u16(at) != 0x8664 || u16(at + 16) != 0) return -1;
  o->sections = u16(at + 2), o->symbols = u32(at + 12);
  uint64_t table = u32(at + 8), end = table + (uint64_t)o->symbols * SYMBOL;
  if (HEADER + (uint64_t)o->sections * SECTION > len || end > len) return -1;
  o->table = at + table, o->strings = at + end;
  if (!table) o->symbols = 0;
  o->strings_len = table && end + 4 <= len ? u32(o->strings) : 0;
  if (end + o->strings_len > len) return -1;
  for (uint32_t i = 0; i < o->sections; i++) {
    const uint8_t *header = section(o, i);
    uint32_t count, size = u32(header + 16), data = u32(header + 20);
    if (data && (uint64_t)data + size > len) return -1;
    if (!u16(header + 32)) continue;
    if ((uint64_t)u32(header + 24) + RELOC > len) return -1;
    const uint8_t *relocs = relocations(o, header, &count);
    if ((uint64_t)(relocs - at) + (uint64_t)count * RELOC > len) return -1;
  }
  return 1;
}

static int is_shared(const uint8_t *symbol) { return symbol[16] == EXTERNAL || symbol[16] == WEAK; }
static int is_definition(const uint8_t *symbol) { return symbol[16] == WEAK || u16(symbol + 12) != 0 || u32(symbol + 8) != 0; }
#define EACH_SYMBOL(o, s, i) \
  for (uint32_t i = 0, s##_step = 1; i < (o)->symbols; i += s##_step) \
    for (const uint8_t *s = (o)->table + (size_t)i * SYMBOL; s && (s##_step = 1u + s[17], 1); s = NULL)

static void add(struct object *o) {
  struct object *kept = piece(sizeof *kept);
  *kept = *o;
  *last_object = kept, last_object = &kept->next;
  EACH_SYMBOL(o, symbol, i) {
    if (!is_shared(symbol)) continue;
    struct name *name = name_of(symbol_name(o, symbol));
    if (is_definition(symbol)) name->defined = 1; else name->wanted = 1;
  }
}

struct archive { const char *path; struct bytes file; uint8_t *taken; struct archive *next; };

/* Takes members that define something missing. Returns how many, or -1. */
static int take_members(struct archive *a) {
  int taken = 0;
  size_t number = 0;
  for (size_t at = 8; at + 60 <= a->file.len; number++) {
    const uint8_t *header = a->file.at + at;
    size_t size = 0;
    for (int i = 48; i < 58 && header[i] >= '0' && header[i] <= '9'; i++) size = size * 10 + header[i] - '0';
    if (at + 60 + size > a->file.len) return -1;
    const uint8_t *member = header + 60;
    at += 60 + size + (size & 1);
    if (a->taken[number] || (header[0] == '/' && (header[1] == ' ' || header[1] == '/')) || starts((const char *)header, "/<")) continue;
    struct object o;
    /* Relocations need no alignment: everything is read by bytes. */
    switch (parse(&o, a->path, member, size)) {
      case 0: a->taken[number] = 1; continue;
      case -1: return -1;
    }
    int useful = 0;
    EACH_SYMBOL(&o, symbol, i) {
      if (useful || symbol[16] != EXTERNAL || !is_definition(symbol)) continue;
      struct name *name = name_of(symbol_name(&o, symbol));
      useful = name->wanted && !name->defined;
    }
    if (useful) a->taken[number] = 1, taken++, add(&o);
  }
  return taken;
}

static int is_dropped(const char *name) {
  return same(name, ".llvm_addrsig") || same(name, ".llvm.call-graph-profile") || same(name, ".drectve");
}

/* Gives sections and symbols their new numbers. Returns the number of symbols. */
static uint32_t number(uint32_t *sections) {
  uint32_t symbols = 0;
  *sections = 0;
  for (struct object *o = objects; o; o = o->next) {
    o->section_to = piece((o->sections + 1) * sizeof *o->section_to);
    o->symbol_to = piece((o->symbols + 1) * sizeof *o->symbol_to);
    for (uint32_t i = 0; i < o->sections; i++)
      if (!is_dropped(section_name(o, section(o, i)))) o->section_to[i + 1] = (uint16_t)++*sections;
    EACH_SYMBOL(o, symbol, i) {
      int16_t at = (int16_t)u16(symbol + 12);
      o->symbol_to[i] = NONE;
      if (symbol[16] == SOURCE_FILE || (at > 0 && (at > (int)o->sections || !o->section_to[at]))) continue;
      struct name *name = is_shared(symbol) ? name_of(symbol_name(o, symbol)) : NULL;
      if (name && !is_definition(symbol) && (name->defined || name->to != NONE)) continue;
      o->symbol_to[i] = symbols;
      if (name && name->to == NONE) name->to = symbols;
      symbols += 1u + symbol[17];
    }
  }
  for (struct object *o = objects; o; o = o->next)
    EACH_SYMBOL(o, symbol, i)
      if (o->symbol_to[i] == NONE && is_shared(symbol)) o->symbol_to[i] = name_of(symbol_name(o, symbol))->to;
  return symbols;
}

static uint8_t *output, *strings;
static size_t strings_len = 4;

/* Where a long name is among the strings. */
static uint32_t string(const char *text) {
  size_t n = strlen(text) + 1;
  uint32_t at = (uint32_t)strings_len;
  memcpy(strings + strings_len, text, n);
  strings_len += n;
  return at;
}

static void put_section_name(uint8_t *header, const char *name) {
  size_t n = strlen(name);
  memset(header, 0, 8);
  if (n <= 8) { memcpy(header, name, n); return; }
  uint32_t offset = string(name), digits = 1;
  for (uint32_t rest = offset; rest >= 10; rest /= 10) digits++;
  header[0] = '/';
  for (; digits; digits--, offset /= 10) header[digits] = (uint8_t)('0' + offset % 10);
}

static size_t put_sections(size_t end) {
  for (struct object *o = objects; o; o = o->next)
    for (uint32_t i = 0; i < o->sections; i++) {
      if (!o->section_to[i + 1]) continue;
      const uint8_t *from = section(o, i);
      uint8_t *to = output + HEADER + (o->section_to[i + 1] - 1u) * SECTION;
      uint32_t count, size = u32(from + 16), data = u32(from + 20);
      memcpy(to, from, SECTION);
      put_section_name(to, section_name(o, from));
      if (data && !(u32(from + 36) & NO_DATA)) {
        set32(to + 20, (uint32_t)end);
        memcpy(output + end, o->at + data, size);
        end += size;
      }
      set32(to + 28, 0), set16(to + 34, 0); /* line numbers */
      const uint8_t *relocs = relocations(o, from, &count);
      if (!u16(from + 32)) { set32(to + 24, 0); continue; }
      set32(to + 24, (uint32_t)end);
      if (u32(from + 36) & MANY_RELOCS) { memcpy(output + end, relocs - RELOC, RELOC); end += RELOC; }
      for (uint32_t r = 0; r < count; r++, relocs += RELOC, end += RELOC) {
        uint32_t symbol = u32(relocs + 4);
        memcpy(output + end, relocs, RELOC);
        if (symbol >= o->symbols || o->symbol_to[symbol] == NONE) { failed_path = o->path; return 0; }
        set32(output + end + 4, o->symbol_to[symbol]);
      }
    }
  return end;
}

/* All directives, with blanks between. */
static size_t put_directives(size_t end, uint8_t *header) {
  size_t start = end;
  for (struct object *o = objects; o; o = o->next)
    for (uint32_t i = 0; i < o->sections; i++) {
      const uint8_t *from = section(o, i);
      if (!same(section_name(o, from), ".drectve")) continue;
      memcpy(output + end, o->at + u32(from + 20), u32(from + 16));
      end += u32(from + 16);
      output[end++] = ' ';
    }
  memset(header, 0, SECTION);
  put_section_name(header, ".drectve");
  set32(header + 16, (uint32_t)(end - start)), set32(header + 20, (uint32_t)start), set32(header + 36, DIRECTIVES);
  return end;
}

static void put_symbols(uint8_t *table) {
  for (struct object *o = objects; o; o = o->next)
    EACH_SYMBOL(o, symbol, i) {
      /* What another object's symbol stands for is written there. */
      int own = !is_shared(symbol) || is_definition(symbol) || name_of(symbol_name(o, symbol))->defined == 0;
      if (o->symbol_to[i] == NONE || !own) continue;
      uint8_t *to = table + (size_t)o->symbol_to[i] * SYMBOL;
      if (!is_definition(symbol) && u32(to + 4)) continue; /* written for an earlier object */
      const char *name = symbol_name(o, symbol);
      int16_t at = (int16_t)u16(symbol + 12);
      memcpy(to, symbol, (1u + symbol[17]) * SYMBOL);
      memset(to, 0, 8);
      if (strlen(name) <= 8) memcpy(to, name, strlen(name)); else set32(to + 4, string(name));
      if (at > 0) set16(to + 12, o->section_to[at]);
      if (!symbol[17]) continue;
      uint8_t *more = to + SYMBOL;
      uint32_t other = u32(more);
      if (symbol[16] == WEAK) set32(more, other < o->symbols ? o->symbol_to[other] : 0);
      else if (symbol[16] == EXTERNAL) set32(more, 0), set32(more + 12, 0);
      else if (symbol[16] == STATIC && more[14] == ASSOCIATIVE && u16(more + 12) <= o->sections)
        set16(more + 12, o->section_to[u16(more + 12)]);
    }
}

static int fail(const char *path, const char *what) {
  complain("ld", path, what);
  return 1;
}

static int run(int argc, char **argv) {
  const char *out = NULL;
  struct archive *archives = NULL, **last = &archives;
  size_t room = 4096;
  for (int i = 1; i < argc; i++) {
    if (same(argv[i], "-o") && i + 1 < argc) { out = argv[++i]; continue; }
    struct bytes file = read_file(argv[i]);
    struct object o;
    if (!file.at) return fail(argv[i], "cannot be read");
    room += file.len * 2;
    if (file.len >= 8 && !memcmp(file.at, "!<arch>\n", 8)) {
      *last = piece(sizeof **last);
      **last = (struct archive){ argv[i], file, piece(file.len / 60 + 1), NULL };
      last = &(*last)->next;
      continue;
    }
    if (parse(&o, argv[i], file.at, file.len) != 1) return fail(argv[i], "is no object for x86_64 Windows");
    add(&o);
  }
  if (!out || !objects) return fail("coff-r", "no output or no objects");
  for (int more = 1; more;) {
    more = 0;
    for (struct archive *a = archives; a; a = a->next) {
      int taken = take_members(a);
      if (taken < 0) return fail(a->path, "holds what is no object for x86_64 Windows");
      more += taken;
    }
  }
  uint32_t sections, symbols = number(&sections);
  if (sections + 1 > 0xfeff) return fail(out, "has more sections than the format allows");
  output = take(room + (size_t)symbols * SYMBOL), strings = take(room);
  if (!output || !strings) return fail(out, "no memory");
  size_t end = put_sections(HEADER + (size_t)(sections + 1) * SECTION);
  if (!end) return fail(failed_path, "refers to a symbol that is in a section left out");
  end = put_directives(end, output + HEADER + (size_t)sections * SECTION);
  put_symbols(output + end);
  set16(output, 0x8664), set16(output + 2, sections + 1), set32(output + 8, (uint32_t)end), set32(output + 12, symbols);
  end += (size_t)symbols * SYMBOL;
  set32(strings, (uint32_t)strings_len);
  long fd = sys(SYS_openat, AT_FDCWD, (long)out, 01 | 0100 | 01000, 0644, 0, 0);
  if (fd < 0 || !write_all(fd, output, end) || !write_all(fd, strings, strings_len)) return fail(out, "cannot be written");
  return 0;
}
