open Sexplib0.Sexp_conv

type entry = { camel : string; load : int; weight : string } [@@deriving sexp]
type t = Sqlite3.db

external checksum : string -> int = "ledger_checksum" [@@noalloc]

let check db = function
  | Sqlite3.Rc.OK | DONE -> ()
  | code -> failwith (Sqlite3.Rc.to_string code ^ ": " ^ Sqlite3.errmsg db)

let open_memory () =
  let db = Sqlite3.db_open ":memory:" in
  check db (Sqlite3.exec db "CREATE TABLE ledger (camel TEXT, load INTEGER, weight TEXT)");
  db

let write db { camel; load; weight } =
  let statement = Sqlite3.prepare db "INSERT INTO ledger VALUES (?, ?, ?)" in
  check db (Sqlite3.bind_text statement 1 camel);
  check db (Sqlite3.bind_int statement 2 load);
  check db (Sqlite3.bind_text statement 3 weight);
  check db (Sqlite3.step statement);
  check db (Sqlite3.finalize statement)

let read db =
  let statement = Sqlite3.prepare db "SELECT camel, load, weight FROM ledger ORDER BY load" in
  let rec rows found =
    match Sqlite3.step statement with
    | ROW ->
        let text column = Sqlite3.column_text statement column in
        rows ({ camel = text 0; load = Sqlite3.column_int statement 1; weight = text 2 } :: found)
    | code ->
        check db code;
        List.rev found
  in
  rows []

let to_line entry = Sexplib0.Sexp.to_string (sexp_of_entry entry)
let engine () = Printf.sprintf "%d.%d" (Sqlite3.sqlite_version () / 1_000_000) (Sqlite3.sqlite_version () / 1000 mod 1000)
