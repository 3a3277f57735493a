"""How is everything, and is it sound? Reports for people; never repairs anything."""
