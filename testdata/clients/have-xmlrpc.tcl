package require xmlrpc
