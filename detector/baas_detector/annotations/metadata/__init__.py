"""Where each picture was taken, and to which subset it belongs. `collecting` calls the other modules in order."""
