"""How results look: pictures, drawn from the columns of a table or by an override of its theme. No computing, no storing."""
