"""The nouns of Quivive (docs/glossary.md). Standard library only; imported by everyone, imports nobody."""
