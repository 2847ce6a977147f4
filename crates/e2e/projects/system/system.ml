(* What programs ask of their system, one fact a line: all but the first are the same on every system. *)

exception Lost of string

(* Names and contents of files survive, whatever is in them. *)
let files () =
  let directory = "désert-пустыня-沙漠" in
  let file = Filename.concat directory "верблюд 駱駝.txt" in
  Sys.mkdir directory 0o755;
  Out_channel.with_open_bin file (fun out -> output_string out "zwei Höcker\n\026\r\n");
  let names = String.concat "," (Array.to_list (Sys.readdir directory)) in
  let text = In_channel.with_open_bin file In_channel.input_all in
  let size = (Unix.stat file).Unix.st_size in
  Sys.rename file (file ^ "~");
  let gone = not (Sys.file_exists file) in
  Sys.remove (file ^ "~");
  Sys.rmdir directory;
  Printf.sprintf "%s %S %d %b %b" names text size gone (Sys.file_exists directory)

(* A server and its client, by TCP on this machine. *)
let sockets () =
  let server = Unix.socket Unix.PF_INET Unix.SOCK_STREAM 0 in
  Unix.bind server (Unix.ADDR_INET (Unix.inet_addr_loopback, 0));
  Unix.listen server 1;
  let serve () =
    let client, _ = Unix.accept server in
    let buffer = Bytes.create 64 in
    let length = Unix.read client buffer 0 64 in
    ignore (Unix.write client (Bytes.uppercase_ascii (Bytes.sub buffer 0 length)) 0 length);
    Unix.close client
  in
  let thread = Thread.create serve () in
  let client = Unix.socket Unix.PF_INET Unix.SOCK_STREAM 0 in
  Unix.connect client (Unix.getsockname server);
  ignore (Unix.write_substring client "water" 0 5);
  let ready, _, _ = Unix.select [ client ] [] [] 10.0 in
  let buffer = Bytes.create 64 in
  let length = Unix.read client buffer 0 64 in
  Thread.join thread;
  Unix.close client;
  Unix.close server;
  Printf.sprintf "%s %d" (Bytes.sub_string buffer 0 length) (List.length ready)

let refused () =
  match Unix.openfile "there/is/no/such/file" [ Unix.O_RDONLY ] 0 with
  | exception Unix.Unix_error (error, call, _) -> Printf.sprintf "%s %b" call (error = Unix.ENOENT)
  | _ -> "opened"

let domains () =
  let part k = Domain.spawn (fun () -> Array.fold_left ( + ) 0 (Array.init 100_000 (fun i -> (i * (k + 1)) land 0xff))) in
  String.concat " " (List.map (fun domain -> string_of_int (Domain.join domain)) (List.init 4 part))

let rec lose n = if n = 0 then raise (Lost "the way") else 1 + lose (n - 1)

let backtrace () =
  Printexc.record_backtrace true;
  match lose 2 with
  | exception Lost _ -> String.concat "" (String.split_on_char '\n' (Printexc.get_backtrace ()))
  | _ -> "found"

let rec endless n = 1 + endless (n + 1)
let overflow () = match endless 0 with exception Stack_overflow -> "caught" | _ -> "not there"

let environment () =
  Unix.putenv "OASIS" "оазис";
  Sys.getenv "OASIS"

let () =
  match Array.to_list Sys.argv with
  | [ _; "exit"; code ] -> exit (int_of_string code)
  | [ _; "lost" ] -> raise (Lost "at the end")
  | [ _; "bytes" ] ->
    set_binary_mode_out stdout true;
    print_string (String.init 256 Char.chr)
  | _ :: arguments ->
    set_binary_mode_out stdout true;
    let fact name text = Printf.printf "%s: %s\n%!" name text in
    fact "system" (Printf.sprintf "%s %s %b %b" Sys.os_type Kind.rule Sys.win32 Sys.unix);
    List.iter (fact "argument") arguments;
    fact "files" (files ());
    fact "sockets" (sockets ());
    fact "refused" (refused ());
    fact "environment" (environment ());
    fact "domains" (domains ());
    fact "backtrace" (backtrace ());
    fact "overflow" (overflow ());
    fact "floats" (Printf.sprintf "%h %.17g %g %b" (exp 1.) (sqrt 2.) 1e100 (Float.is_nan (0. /. 0.)));
    fact "time" (string_of_bool (Unix.gettimeofday () > 1.6e9))
  | [] -> ()
