"""How pages and pictures are written: one SVG maker and one way to HTML, for audit reports and the fine print."""
