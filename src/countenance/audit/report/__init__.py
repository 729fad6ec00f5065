"""Audits for readers: one page that needs no network, a model card, a leaflet on what one search result means."""
