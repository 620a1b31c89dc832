"""Everything of Radpulse that needs no screen: sources, staging, warehouse, KPIs, forecasts."""
