let () = Printf.printf "configured on %s for %s\n" Config.uname Config.architecture
