"""Programs of modular arithmetic, worked step by step: the mathematics behind the world `steps`.

- `program`: a program, and how one is drawn;
- `solving`: how a solver works one, where it slips, and how often, exactly;
- `players`: who solves and who judges.
"""
