"""Reports that leave the house: who saw a subject, a controller's evidence, the inspection dossier."""
