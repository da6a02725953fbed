"""What goes over the wire, in and out: headers, bodies, forms and files. This room knows no app."""
