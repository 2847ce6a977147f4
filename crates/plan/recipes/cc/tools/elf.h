/* Reading and writing ELF files and ar archives of either word size and byte order, as bytes. No knowledge of any CPU. */
#ifndef ELF_H
#define ELF_H
#include "rt.h"

enum { ET_REL = 1 };
enum { SHT_SYMTAB = 2, SHT_STRTAB = 3, SHT_RELA = 4, SHT_NOBITS = 8, SHT_REL = 9, SHT_DYNSYM = 11, SHT_GROUP = 17, SHT_SYMTAB_SHNDX = 18, SHT_LLVM_ADDRSIG = 0x6fff4c03 };
enum { SHF_WRITE = 1, SHF_ALLOC = 2, SHF_EXECINSTR = 4, SHF_INFO_LINK = 0x40 };
enum { SHN_UNDEF = 0, SHN_LORESERVE = 0xff00, SHN_ABS = 0xfff1, SHN_COMMON = 0xfff2 };

struct elf {
  uint8_t *at;
  size_t len;
  int wide, big;           /* 64 bit; most significant byte first */
  int type;                /* ET_… */
  uint64_t shoff;
  uint32_t shnum, shstrndx;
};
struct section { uint32_t name, type; uint64_t flags, addr, offset, size; uint32_t link, info; uint64_t align, entsize; };
struct symbol { uint32_t name; uint64_t value, size; uint8_t info, other; uint16_t shndx; };

static uint64_t get(const struct elf *e, uint64_t off, int size) {
  uint64_t v = 0;
  if (off > e->len || e->len - off < (uint64_t)size) return 0;
  for (int i = 0; i < size; i++) v |= (uint64_t)e->at[off + (uint64_t)i] << (8 * (e->big ? size - 1 - i : i));
  return v;
}
static void set(struct elf *e, uint64_t off, int size, uint64_t v) {
  if (off > e->len || e->len - off < (uint64_t)size) return;
  for (int i = 0; i < size; i++) e->at[off + (uint64_t)i] = (uint8_t)(v >> (8 * (e->big ? size - 1 - i : i)));
}

/* 0 if the bytes are no ELF file with a section table inside it. */
static int elf_open(struct elf *e, struct bytes b) {
  if (b.len < 52 || memcmp(b.at, "\177ELF", 4) || (b.at[4] == 2 && b.len < 64)) return 0;
  e->at = b.at; e->len = b.len; e->wide = b.at[4] == 2; e->big = b.at[5] == 2;
  e->type = (int)get(e, 16, 2);
  e->shoff = e->wide ? get(e, 40, 8) : get(e, 32, 4);
  e->shnum = (uint32_t)get(e, e->wide ? 60 : 48, 2);
  e->shstrndx = (uint32_t)get(e, e->wide ? 62 : 50, 2);
  uint64_t entry = e->wide ? 64 : 40;
  return e->shoff <= e->len && (e->len - e->shoff) / entry >= e->shnum && (e->shnum == 0 || e->shstrndx < e->shnum);
}

static uint64_t section_at(const struct elf *e, uint32_t i) { return e->shoff + (uint64_t)i * (e->wide ? 64 : 40); }
static struct section section(const struct elf *e, uint32_t i) {
  uint64_t p = section_at(e, i);
  struct section s = { (uint32_t)get(e, p, 4), (uint32_t)get(e, p + 4, 4), 0, 0, 0, 0, 0, 0, 0, 0 };
  int w = e->wide ? 8 : 4;
  uint64_t q = p + 8;
  s.flags = get(e, q, w); s.addr = get(e, q += (uint64_t)w, w); s.offset = get(e, q += (uint64_t)w, w); s.size = get(e, q += (uint64_t)w, w);
  s.link = (uint32_t)get(e, q += (uint64_t)w, 4); s.info = (uint32_t)get(e, q += 4, 4);
  s.align = get(e, q += 4, w); s.entsize = get(e, q + (uint64_t)w, w);
  return s;
}
static void set_section(struct elf *e, uint64_t p, struct section s) {
  int w = e->wide ? 8 : 4;
  uint64_t words[] = { s.flags, s.addr, s.offset, s.size }, q = p + 8;
  set(e, p, 4, s.name); set(e, p + 4, 4, s.type);
  for (int i = 0; i < 4; i++, q += (uint64_t)w) set(e, q, w, words[i]);
  set(e, q, 4, s.link); set(e, q + 4, 4, s.info); set(e, q + 8, w, s.align); set(e, q + 8 + (uint64_t)w, w, s.entsize);
}
/* Whether the section's bytes lie in the file. */
static int inside(const struct elf *e, struct section s) { return s.type == SHT_NOBITS || (s.offset <= e->len && s.size <= e->len - s.offset); }

/* A string of a string table; "" for anything that is not in it, or not ended in it. */
static const char *string(const struct elf *e, uint32_t table, uint32_t off) {
  if (table >= e->shnum) return "";
  struct section s = section(e, table);
  if (s.type != SHT_STRTAB || !inside(e, s) || off >= s.size || e->at[s.offset + s.size - 1]) return "";
  return (const char *)e->at + s.offset + off;
}

static uint64_t symbol_size(const struct elf *e) { return e->wide ? 24 : 16; }
static struct symbol symbol(const struct elf *e, uint64_t p) {
  struct symbol s;
  s.name = (uint32_t)get(e, p, 4);
  s.value = e->wide ? get(e, p + 8, 8) : get(e, p + 4, 4);
  s.size = e->wide ? get(e, p + 16, 8) : get(e, p + 8, 4);
  s.info = (uint8_t)get(e, p + (e->wide ? 4 : 12), 1);
  s.other = (uint8_t)get(e, p + (e->wide ? 5 : 13), 1);
  s.shndx = (uint16_t)get(e, p + (e->wide ? 6 : 14), 2);
  return s;
}

/* One member of an archive. */
struct member { size_t header; const char *name; size_t name_len; struct bytes data; };

static int is_archive(struct bytes b) { return b.len >= 8 && !memcmp(b.at, "!<arch>\n", 8); }
static size_t decimal(const uint8_t *p, size_t n) {
  size_t v = 0;
  for (size_t i = 0; i < n && p[i] >= '0' && p[i] <= '9'; i++) v = v * 10 + (size_t)(p[i] - '0');
  return v;
}
/* The member whose header is at *pos, which moves on; 0 at the end, -1 if the archive is damaged. names: the GNU name table. */
static int next_member(struct bytes b, size_t *pos, struct bytes *names, struct member *m) {
  if (*pos >= b.len) return 0;
  if (b.len - *pos < 60 || b.at[*pos + 58] != '`') return -1;
  const uint8_t *h = b.at + *pos;
  size_t size = decimal(h + 48, 10);
  if (b.len - *pos - 60 < size) return -1;
  m->header = *pos; m->data.at = b.at + *pos + 60; m->data.len = size;
  m->name = (const char *)h; m->name_len = 16;
  while (m->name_len && h[m->name_len - 1] == ' ') m->name_len--;
  if (h[0] == '/' && h[1] == '/') *names = m->data;
  else if (h[0] == '/' && h[1] >= '0' && h[1] <= '9') {
    size_t off = decimal(h + 1, 15);
    if (off >= names->len) return -1;
    m->name = (const char *)names->at + off; m->name_len = 0;
    while (off + m->name_len < names->len && m->name[m->name_len] != '\n') m->name_len++;
  }
  if (m->name_len > 1 && m->name[m->name_len - 1] == '/' && m->name[0] != '/') m->name_len--;
  *pos += 60 + size + (size & 1);
  return 1;
}
/* Whether the member is the archive's own index or name table. */
static int is_special(struct member m) { return m.name_len && m.name[0] == '/'; }
#endif
