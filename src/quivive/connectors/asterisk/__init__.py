"""Asterisk: its queue log, call detail records, channel events and manager events become contacts."""
