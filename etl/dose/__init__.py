"""What a site says about dose: its reference tables (versioned, dated), its levels, and the quantities they are of."""
