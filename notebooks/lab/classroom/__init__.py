"""What a teacher needs: how far a class is."""
