"""Forecasting with a recurrent network: what `tidegate forecast` and `tidegate demo` are made of.

table, timetext, timeaxis, load   from a CSV file to an evenly spaced series with gaps
series, seasonality               gaps filled from the past; the season found
baselines                         seasonal naive, with and without drift
windows                           what the network sees and what it is asked for
forecaster                        the network and its training
evaluate, picture                 rolling origins, the table, the picture
command, options, outputs         the command line
"""
