/* Tables, a join, JSON, full text search, an R-tree and the query planner's words, in memory. */
#include <sqlite3.h>
#include <stdio.h>

static int row(void *unused, int count, char **values, char **names) {
  (void)unused;
  (void)names;
  for (int i = 0; i < count; i++) printf(i ? "|%s" : "%s", values[i] ? values[i] : "NULL");
  printf("\n");
  return 0;
}

int main(void) {
  sqlite3 *db;
  char *message = NULL;
  const char *sql =
      "create table animal(id integer primary key, name text, humps int);"
      "insert into animal(name, humps) values ('bactrian', 2), ('dromedary', 1), ('llama', 0);"
      "create table load(animal int references animal, kg real);"
      "insert into load values (1, 170), (1, 80.5), (2, 300);"
      "select name, humps, count(kg), sum(kg) from animal left join load on animal = id group by id order by humps desc;"
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) select sum(i * i), avg(i) from n;"
      "select json_extract('{\"a\":[1,{\"b\":\"x\"}]}', '$.a[1].b'), round(exp(1), 6);"
      "create virtual table page using fts5(body);"
      "insert into page values ('a camel with two humps'), ('one hump only');"
      "select rowid, highlight(page, 0, '[', ']') from page where page match 'hump*' order by rowid;"
      "create virtual table box using rtree(id, x0, x1);"
      "insert into box values (1, 0, 2), (2, 3, 5);"
      "select id from box where x0 <= 4 and x1 >= 4;"
      "explain query plan select * from animal where id = 1;"
      "select sqlite_source_id();";
  if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_libversion_number() != SQLITE_VERSION_NUMBER) return 1;
  if (sqlite3_exec(db, sql, row, NULL, &message) != SQLITE_OK) {
    printf("%s\n", message);
    return 2;
  }
  return sqlite3_close(db);
}
