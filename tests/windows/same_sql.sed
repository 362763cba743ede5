s/'([A-Z]:)?\/[^']*\/sql\b/'HERE/g
