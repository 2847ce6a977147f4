let names = [ "salt" ]
