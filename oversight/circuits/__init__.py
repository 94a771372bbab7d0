"""Random computation graphs: the mathematics behind the world `circuits`.

A question is the value at the root of a circuit of gates. Everybody sees the circuit and its
inputs; what the parties differ in is how well they evaluate gates. In order of reading:

- `graph`: a circuit, and how one is drawn; `files`: how one is read;
- `traces`: what a party believes of every gate, and how well it looks at one;
- `steps`: what is said about gates aloud, and what follows from it;
- `experts`, `judges`: who plays; `reading`: what a judge has read; `compared`: what nets see of
  what may be said;
- `world`: circuits as cases, and what each party has in its head about them; `presented`: the work
  that experts present; `parts`: a circuit taken apart.
"""
