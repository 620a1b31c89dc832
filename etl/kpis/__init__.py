"""KPIs: one registry that the app, exports, documentation and forecasts all read."""
