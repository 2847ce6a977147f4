let names = [ "dunes" ]
