let names = [ "routes" ]
