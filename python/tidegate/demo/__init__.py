"""`tidegate demo`: an LSTM and a GRU learn the CO2 record of Mauna Loa."""
