"""The dashboard: shows, explains and exports; computes nothing a KPI does not define."""
