/* strip for ELF files and archives of any CPU. Programs and shared objects lose debug information and, unless asked for less,
   the symbol table; the part that is loaded stays as it is, byte for byte. Object files lose debug information only: they keep
   their symbols, whatever is asked, which is always correct to link. */
#include "elf.h"

static struct { int debug_only; const char *remove[16]; int removes; } opt;

static const char *section_name(const struct elf *e, struct section s) { return string(e, e->shstrndx, s.name); }

static int is_debug(const char *name) {
  return starts(name, ".debug") || starts(name, ".zdebug") || starts(name, ".gnu.debuglto_") || starts(name, ".stab") || same(name, ".gdb_index") ||
         same(name, ".line");
}

/* Which sections stay. A section that describes a removed one (its relocations, its strings) goes with it. */
static void choose(const struct elf *e, uint8_t *keep) {
  int symbols = opt.debug_only || e->type == ET_REL;
  for (uint32_t i = 0; i < e->shnum; i++) {
    struct section s = section(e, i);
    const char *name = section_name(e, s);
    keep[i] = s.flags & SHF_ALLOC || !(is_debug(name) || s.type == SHT_LLVM_ADDRSIG || (s.type == SHT_SYMTAB && !symbols));
    for (int k = 0; k < opt.removes; k++) if (i && same(name, opt.remove[k])) keep[i] = 0;
  }
  for (uint32_t i = 1; i < e->shnum; i++) {
    struct section s = section(e, i);
    if ((s.type == SHT_REL || s.type == SHT_RELA) && !(s.flags & SHF_ALLOC) && ((s.info < e->shnum && !keep[s.info]) || (s.link < e->shnum && !keep[s.link]))) keep[i] = 0;
  }
  for (uint32_t i = 1; i < e->shnum; i++) { /* string tables of removed symbol tables */
    struct section table = section(e, i);
    if (table.type != SHT_SYMTAB || keep[i] || table.link >= e->shnum || table.link == e->shstrndx) continue;
    int used = 0;
    for (uint32_t k = 1; k < e->shnum; k++) used |= keep[k] && section(e, k).link == table.link;
    if (!used) keep[table.link] = 0;
  }
  keep[0] = 1;
  keep[e->shstrndx] = 1;
}

/* The end of what the loader may look at: it stays where it is. */
static uint64_t loaded_end(const struct elf *e) {
  uint64_t end = e->wide ? 64 : 52, phoff = get(e, e->wide ? 32 : 28, e->wide ? 8 : 4);
  uint32_t entry = (uint32_t)get(e, e->wide ? 54 : 42, 2), n = (uint32_t)get(e, e->wide ? 56 : 44, 2);
  if (n && phoff + (uint64_t)n * entry > end) end = phoff + (uint64_t)n * entry;
  for (uint32_t i = 0; i < n; i++) {
    uint64_t p = phoff + (uint64_t)i * entry;
    uint64_t last = e->wide ? get(e, p + 8, 8) + get(e, p + 32, 8) : get(e, p + 4, 4) + get(e, p + 16, 4);
    if (last > end) end = last;
  }
  return end;
}

/* Where a symbol of removed sections was, there is no symbol: new numbers for the others. 0 for those that are gone. */
static uint32_t *renumber_symbols(const struct elf *e, struct section table, const uint8_t *keep) {
  uint64_t n = table.size / symbol_size(e);
  uint32_t *number = take(n * sizeof *number + 4), next = 0;
  if (!number) return NULL;
  for (uint64_t i = 0; i < n; i++) {
    struct symbol s = symbol(e, table.offset + i * symbol_size(e));
    int gone = s.shndx < SHN_LORESERVE && s.shndx < e->shnum && !keep[s.shndx];
    number[i] = gone ? 0 : next++;
  }
  number[n] = next;
  return number;
}

static void write_symbols(const struct elf *from, struct section old, struct elf *to, struct section *now, const uint32_t *number, const uint32_t *index) {
  uint64_t unit = symbol_size(from), n = old.size / unit, kept = 0;
  uint32_t locals = 0;
  for (uint64_t i = 0; i < n; i++) {
    if (i && !number[i]) continue;
    uint64_t p = now->offset + kept++ * unit;
    struct symbol s = symbol(from, old.offset + i * unit);
    memcpy(to->at + p, from->at + old.offset + i * unit, unit);
    if (s.shndx < SHN_LORESERVE && s.shndx < from->shnum) set(to, p + (from->wide ? 6 : 14), 2, index[s.shndx]);
    if (i < old.info) locals++;
  }
  now->size = kept * unit;
  now->info = locals;
}

static void renumber_relocations(struct elf *to, struct section s, const uint32_t *number, uint64_t symbols) {
  uint64_t unit = (to->wide ? 16 : 8) + (s.type == SHT_RELA ? (to->wide ? 8 : 4) : 0);
  for (uint64_t p = s.offset; p + unit <= s.offset + s.size; p += unit) {
    uint64_t info = get(to, p + (to->wide ? 8 : 4), to->wide ? 8 : 4), sym = to->wide ? info >> 32 : info >> 8;
    if (sym >= symbols) continue;
    info = to->wide ? (uint64_t)number[sym] << 32 | (info & 0xffffffff) : (uint64_t)number[sym] << 8 | (info & 0xff);
    set(to, p + (to->wide ? 8 : 4), to->wide ? 8 : 4, info);
  }
}

/* A group lists section numbers after its flag word. */
static void renumber_group(struct elf *to, struct section *s, const uint32_t *index, uint32_t shnum) {
  uint64_t kept = 4;
  for (uint64_t off = 4; off + 4 <= s->size; off += 4) {
    uint32_t i = (uint32_t)get(to, s->offset + off, 4);
    if (i < shnum && index[i]) { set(to, s->offset + kept, 4, index[i]); kept += 4; }
  }
  s->size = kept;
}

/* The stripped file, or at = NULL with *why. */
static struct bytes strip_elf(struct bytes b, const char **why) {
  struct bytes none = { NULL, 0 };
  struct elf e, out;
  *why = "not an ELF file";
  if (!elf_open(&e, b)) return none;
  if (!e.shnum) return b;
  *why = "out of memory";
  uint8_t *keep = take(e.shnum);
  uint32_t *index = take(e.shnum * sizeof *index), count = 0, symtab = 0;
  out = e;
  out.at = take(b.len + 16 * (size_t)e.shnum + 64);
  out.len = b.len + 16 * (size_t)e.shnum + 64;
  if (!keep || !index || !out.at) return none;
  *why = "damaged";
  uint64_t end = e.type == ET_REL ? (e.wide ? 64 : 52) : loaded_end(&e);
  if (end > b.len) return none;
  choose(&e, keep);
  for (uint32_t i = 0; i < e.shnum; i++) {
    struct section s = section(&e, i);
    if (!inside(&e, s)) return none;
    if (s.type == SHT_SYMTAB_SHNDX) { *why = "too many sections"; return none; }
    if (s.type == SHT_SYMTAB && keep[i]) symtab = i;
    if (keep[i]) index[i] = count++;
  }
  struct section symbols = section(&e, symtab);
  uint64_t nsymbols = symtab ? symbols.size / symbol_size(&e) : 0;
  uint32_t *number = symtab ? renumber_symbols(&e, symbols, keep) : NULL;
  struct section *kept = take(count * sizeof *kept);
  if (!kept || (symtab && !number)) { *why = "out of memory"; return none; }

  memcpy(out.at, b.at, end);
  for (uint32_t i = 0; i < e.shnum; i++) {
    if (!keep[i]) continue;
    struct section old = section(&e, i), s = old;
    int moves = i && s.type != SHT_NOBITS && (e.type == ET_REL || s.offset >= end);
    if (e.type == ET_REL && s.type == SHT_NOBITS) s.offset = end;
    if (moves) {
      uint64_t align = s.align > 1 ? s.align : 1;
      s.offset = (end + align - 1) / align * align;
      memcpy(out.at + s.offset, b.at + old.offset, old.size);
      if (i == symtab) write_symbols(&e, old, &out, &s, number, index);
      if ((s.type == SHT_REL || s.type == SHT_RELA) && symtab && s.link == symtab) renumber_relocations(&out, s, number, nsymbols);
      if (s.type == SHT_GROUP) {
        renumber_group(&out, &s, index, e.shnum);
        if (s.info < nsymbols) s.info = number[s.info];
      }
      end = s.offset + s.size;
    }
    if (s.link < e.shnum) s.link = index[s.link];
    if (((s.type == SHT_REL || s.type == SHT_RELA || s.flags & SHF_INFO_LINK) && s.type != SHT_GROUP && i != symtab) && s.info < e.shnum) s.info = index[s.info];
    kept[index[i]] = s;
  }
  end = (end + 7) / 8 * 8;
  uint64_t entry = e.wide ? 64 : 40;
  if (end + count * entry > out.len) { *why = "damaged"; return none; }
  for (uint32_t i = 0; i < count; i++) set_section(&out, end + i * entry, kept[i]);
  set(&out, e.wide ? 40 : 32, e.wide ? 8 : 4, end);
  set(&out, e.wide ? 60 : 48, 2, count);
  set(&out, e.wide ? 62 : 50, 2, index[e.shstrndx]);
  struct bytes result = { out.at, end + count * entry };
  return result;
}

static void put_decimal(uint8_t *at, size_t width, size_t v) {
  uint8_t digits[20];
  size_t n = 0;
  do digits[n++] = (uint8_t)('0' + v % 10); while (v /= 10);
  for (size_t i = 0; i < width; i++) at[i] = i < n ? digits[n - 1 - i] : ' ';
}

/* The archive with each ELF member stripped and the index pointing at the moved members. */
static struct bytes strip_archive(struct bytes b, const char **why) {
  struct bytes none = { NULL, 0 }, names = { NULL, 0 }, out = { take(b.len + b.len / 8 + 64), 8 };
  size_t *moved = take((b.len / 2 + 1) * sizeof *moved); /* by old offset / 2: members start at even offsets */
  size_t pos = 8, size_of_index = 0, room = b.len + b.len / 8;
  struct member m;
  int more;
  *why = "out of memory";
  if (!out.at || !moved) return none;
  memcpy(out.at, b.at, 8);
  while ((more = next_member(b, &pos, &names, &m)) > 0) {
    struct bytes data = m.data, stripped;
    struct elf e;
    int wide = m.name_len == 7 && !memcmp(m.name, "/SYM64/", 7);
    if ((m.name_len == 1 && m.name[0] == '/') || wide) size_of_index = wide ? 8 : 4;
    else if (!is_special(m) && elf_open(&e, m.data) && (stripped = strip_elf(m.data, why)).at) data = stripped;
    if (out.len + 61 + data.len > room + 64) { *why = "damaged archive"; return none; }
    moved[m.header / 2] = out.len;
    memcpy(out.at + out.len, b.at + m.header, 60);
    put_decimal(out.at + out.len + 48, 10, data.len);
    memcpy(out.at + out.len + 60, data.at, data.len);
    out.len += 60 + data.len;
    if (data.len & 1) out.at[out.len++] = '\n';
  }
  *why = "damaged archive";
  if (more < 0) return none;
  if (size_of_index) { /* at the first member: a count, then the members' offsets, most significant byte first */
    struct elf table = { out.at, out.len, 0, 1, 0, 0, 0, 0 };
    int w = (int)size_of_index;
    uint64_t n = get(&table, 68, w);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t at = 68 + (uint64_t)w * (i + 1), old = get(&table, at, w);
      if (old >= b.len) return none;
      set(&table, at, w, moved[old / 2]);
    }
  }
  return out;
}

/* Written beside the target and renamed: a program that runs, or a reader, keeps the old file. */
static int replace_file(const char *path, int program, struct bytes b) {
  char name[4096];
  size_t n = strlen(path);
  if (n + 7 > sizeof name) return 0;
  memcpy(name, path, n);
  memcpy(name + n, ".strip", 7);
  long fd = sys(SYS_openat, AT_FDCWD, (long)name, 0x241, 0644, 0, 0); /* O_WRONLY|O_CREAT|O_TRUNC */
  if (fd < 0) return 0;
  int ok = write_all(fd, b.at, b.len) && (!program || sys(SYS_fchmod, fd, 0755, 0, 0, 0, 0) >= 0);
  sys(SYS_close, fd, 0, 0, 0, 0, 0);
  if (!ok || sys(SYS_renameat2, AT_FDCWD, (long)name, AT_FDCWD, (long)path, 0, 0) < 0) {
    sys(SYS_unlinkat, AT_FDCWD, (long)name, 0, 0, 0, 0);
    return 0;
  }
  return 1;
}

static int strip_file(const char *in, const char *out) {
  const char *why = "cannot be read";
  struct bytes b = read_file(in), done = { NULL, 0 };
  struct elf e;
  if (b.at) done = is_archive(b) ? strip_archive(b, &why) : strip_elf(b, &why);
  if (!done.at) { complain("strip", in, why); return 1; }
  int program = elf_open(&e, b) && e.type != ET_REL;
  if (!replace_file(out ? out : in, program, done)) { complain("strip", out ? out : in, "cannot be written"); return 1; }
  return 0;
}

/* Options whose argument is the next word. */
static int takes_word(const char *a) { return same(a, "-R") || same(a, "-K") || same(a, "-N") || same(a, "-F") || same(a, "-I") || same(a, "-O"); }

static int run(int argc, char **argv) {
  const char *out = NULL;
  int status = 0, files = 0;
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i];
    if (same(a, "--version") || same(a, "-V")) { put("strip (for ELF; part of Bactrian's C toolchain; options as GNU strip)\n"); flush(); return 0; }
    if (same(a, "-o") && i + 1 < argc) out = argv[++i];
    else if (same(a, "-R") && i + 1 < argc && opt.removes < 16) opt.remove[opt.removes++] = argv[++i];
    else if (starts(a, "--remove-section=") && opt.removes < 16) opt.remove[opt.removes++] = a + 17;
    else if (same(a, "-S") || same(a, "-g") || same(a, "-d") || same(a, "--strip-debug") || same(a, "-x") || same(a, "-X") || same(a, "--discard-all") || same(a, "--discard-locals")) opt.debug_only = 1;
    else if (takes_word(a) && i + 1 < argc) i++;
    else if (a[0] != '-') argv[++files] = argv[i];
  }
  if (opt.removes) opt.debug_only = 1;
  if (!files) { complain("strip", "usage", "strip [-S] [-R SECTION] [-o OUT] FILE..."); return 1; }
  if (out && files > 1) { complain("strip", out, "-o takes a single file"); return 1; }
  for (int i = 1; i <= files; i++) status |= strip_file(argv[i], out);
  return status;
}
