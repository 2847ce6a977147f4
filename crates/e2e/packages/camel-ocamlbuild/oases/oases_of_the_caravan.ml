let names = [ "oases" ]
