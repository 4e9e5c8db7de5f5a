"""Networks for tables, one row per time step: what `tidegate train` and `predict` are made of.

plan           what is asked for: columns, task, window, horizon; kept in the model file
rows           the columns of a table as arrays, sequence by sequence
samples        windows, or whole sequences, with their targets; the part that validates
scaling        what the training part says about the columns
network        layers, training, early stopping
model_file     plan, scales and network in one safetensors file
scores         the network beside a forecast that needs no training
results        predictions as CSV or Parquet
train_command, predict_command   the command line
"""
