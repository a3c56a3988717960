"""What a teacher needs: a server for a class, how far everybody is, and the grades."""
